"""The DDColor tweak: brighten the gray picture that the network sees."""

import vapoursynth as vs
from vapoursynth import core

from ...settings.params import DDTweak
from ..scalar import per_frame_value


def tweak_luma(gray: vs.VideoNode, params: DDTweak) -> vs.VideoNode:
    """Brightness, contrast and gamma of a gray clip.

    Without `luma_constrained`: `Y = clamp(Y·contrast + bright)`, then `Y^(1/gamma)`. With it, per frame with
    the mean luma ℓ of that: if ℓ < luma_min, Y += luma_min − ℓ, saturating; if ℓ < gamma_luma_min,
    `Y^(1/g)` with `g = max(gamma·(ℓ/gamma_luma_min)^gamma_alpha, gamma_min)`, or g = gamma where
    gamma_alpha is 0. (vs-deoldify 3.1, `constrained_tweak`.)

    Args:
        gray: `GRAYS` clip, 0–1.
        params: the checked parameters.

    Returns:
        The brightened `GRAYS` clip.
    """
    p = params
    gray = core.std.Expr(gray, f"x {p.contrast} * {p.bright} + 0 max 1 min")
    if not p.luma_constrained:
        return gray if p.gamma == 1 else core.std.Expr(gray, f"x {1 / p.gamma} pow")

    def lift(mean: float) -> float:
        return max(p.luma_min - mean, 0.0)

    def exponent(mean: float) -> float:
        if p.gamma == 1 or mean >= p.gamma_luma_min:
            return 1.0
        if p.gamma_alpha == 0:
            return 1 / p.gamma
        weakened: float = p.gamma * (mean / p.gamma_luma_min) ** p.gamma_alpha
        return 1 / max(weakened, p.gamma_min)

    lifted = core.std.Expr([gray, per_frame_value(gray, lift)], "x y + 1 min")
    return core.std.Expr([lifted, per_frame_value(gray, exponent)], "x y pow")
