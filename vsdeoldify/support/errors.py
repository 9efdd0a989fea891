"""The errors that a person can do something about; each message says what is wrong and what to do."""


class ModelError(RuntimeError):
    """A model file is missing, damaged or of the wrong kind; the message says what to do."""


class FilmError(RuntimeError):
    """A film cannot be read, coloured or written; the message says why and what to do."""


class RequestError(FilmError):
    """What is asked for contradicts itself or does not fit the film: another request would do."""


class PictureError(RuntimeError):
    """A picture file cannot be read or written; the message names it and says why."""
