"""How connections are encrypted, and servers' certificates checked, as a file of options asks for."""

from pathlib import Path
from typing import Any

from windrow.errors import InputError
from windrow.storage.sql.uris import MODES, Place


def of_postgresql(place: Place) -> dict[str, str]:
    """What a file of options says of encryption, as arguments of PostgreSQL's library."""
    words = dict(zip(MODES, ("disable", "prefer", "require", "verify-ca", "verify-full"), strict=True))
    names = {"ssl-ca": "sslrootcert", "ssl-cert": "sslcert", "ssl-key": "sslkey", "ssl-mode": "sslmode"}
    found = _asked(place)
    return {names[name]: words[value] if name == "ssl-mode" else value for name, value in found.items()}


def of_mysql(place: Place) -> dict[str, Any]:
    """The same as arguments of PyMySQL, which by itself checks no certificate, even where it is given an authority."""
    found = _asked(place)
    mode = found.get("ssl-mode", "PREFERRED")
    if mode == "PREFERRED":
        return {}
    if mode == "DISABLED":
        return {"ssl_disabled": True}
    import ssl  # a job's start is part of its cost

    try:
        context = ssl.create_default_context(cafile=found.get("ssl-ca"))
        if "ssl-cert" in found:
            # Without this a key with a password would ask for it on the terminal.
            context.load_cert_chain(found["ssl-cert"], found.get("ssl-key"), password="")
    except ssl.SSLError as error:
        raise InputError(
            f"{place}: ssl-ca, ssl-cert or ssl-key is no file of a certificate or its key ({error.reason or error});"
            " correct it in the file of options"
        ) from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # which those fail that a server made for itself
    context.check_hostname = mode == "VERIFY_IDENTITY"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("VERIFY") else ssl.CERT_NONE
    return {"ssl": context}


def _asked(place: Place) -> dict[str, str]:
    """The same, as it is in the file. Raises InputError for files that it names which cannot be read."""
    found = dict(place.login().ssl)
    for name, path in found.items():
        if name != "ssl-mode":
            try:
                Path(path).read_bytes()
            except OSError as error:
                raise InputError(
                    f"{place}: {name} is {path}, which cannot be read: {error.strerror}; correct it in the file of"
                    " options"
                ) from None
    return found
