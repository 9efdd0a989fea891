"""Who may talk to the studio: the browser that was given its address, from pages that it gave out.

The server listens on this machine only. That keeps other machines out, but neither other users of this one
nor pages of strangers that are open in the same browser: so the first address holds a token, which is good
for one cookie; requests must come from the studio's own page, by what the browser says of their origin; and
the page may load and run nothing but what the server gives it.
"""

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_READING = ("GET", "HEAD")
_OWN = ("same-origin", "none")


class Gate:
    """Lets through what comes from the studio's own page.

    Args:
        app: what is behind it.
        token: what the first address must hold, good for one browser.
        port: of the server.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token: str | None = token
        self._cookie = f"vsdeoldify_{port}"
        self._secret = secrets.token_urlsafe(32)
        self._origins = {f"http://127.0.0.1:{port}", f"http://localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # A web socket, of which the page has none: uvicorn refuses it.

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if scope["path"].startswith("/static") or scope["path"] == "/":
                    headers["Cache-Control"] = "no-cache"
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that may not pass, or that brings the token; None lets it through."""
        headers = Headers(scope=scope)
        if headers.get("sec-fetch-site", "none") not in _OWN and not _followed(scope, headers):
            return PlainTextResponse("this page is another's: the studio talks to its own only", 403)
        if scope["method"] not in _READING and headers.get("origin") not in self._origins:
            return PlainTextResponse("this page is another's: the studio talks to its own only", 403)
        known = self._knows(headers.get("cookie", ""))
        given = QueryParams(scope["query_string"]).get("token")
        if scope["path"] == "/" and scope["method"] == "GET" and given is not None:
            return self._exchange(given, known)
        if known:
            return None
        return PlainTextResponse(
            "open the address that vsdeoldify studio has printed in its terminal; it is good for one "
            "browser: if it was opened before, end the studio with Ctrl-C and start it again",
            403,
        )

    def _exchange(self, given: str, known: bool) -> Response | None:
        """A cookie for the token, once."""
        fits = self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())
        if not (fits or known):
            return PlainTextResponse(
                "this address has been used, or is of an earlier studio: end the studio with Ctrl-C and "
                "start it again",
                403,
            )
        answer = RedirectResponse("/", 303)
        if fits:
            self._token = None
            answer.set_cookie(self._cookie, self._secret, httponly=True, samesite="strict", path="/")
        return answer

    def _knows(self, cookies: str) -> bool:
        try:
            found = SimpleCookie(cookies).get(self._cookie)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self._secret.encode())


def _followed(scope: Scope, headers: Headers) -> bool:
    """Whether somebody follows a link to the page, from a mail program or a terminal in the browser."""
    return scope["path"] == "/" and scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
