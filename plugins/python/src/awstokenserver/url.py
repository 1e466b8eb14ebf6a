"""URLs of token servers (HTTP-2, HTTP-3, DOC-10)."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote_plus, urlencode, urlsplit

from .errors import invalid


def check_url(url: str, origin: str, over_socket: bool) -> None:
    """Refuses what HTTP-2 and HTTP-3 refuse. No error holds a part of the URL."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise invalid(f"{origin}: is not a URL") from None
    if re.search(r"[\x00-\x20\x7f]", url):
        raise invalid(f"{origin}: holds white space or a control character")
    if "@" in parts.netloc:
        raise invalid(f"{origin}: must not hold a user")
    if "#" in url:
        raise invalid(f"{origin}: must not hold a fragment")
    if parts.scheme not in ("https", "http") or not host:
        raise invalid(f"{origin}: must be an https URL")
    if parts.scheme == "http" and not over_socket and not is_local(host):
        raise invalid(f"{origin}: must be an https URL, for its host is neither loopback nor a metadata service")


LOCAL_ADDRESSES = {"169.254.169.254", "fd00:ec2::254", "fd20:ce::254"}
LOCAL_NETWORK = ipaddress.ip_network("169.254.128.0/22")


def is_local(host: str) -> bool:
    """Whether plain http is allowed to a host: a name, or an address in its usual form (HTTP-2)."""
    try:
        usual = str(ipaddress.ip_address(host)) == host
    except ValueError:
        return host in ("localhost", "metadata.google.internal")
    return usual and is_local_address(host)


def is_local_address(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    return address.is_loopback or str(address) in LOCAL_ADDRESSES or address in LOCAL_NETWORK


def set_parameters(query: str, values: dict[str, str]) -> str:
    """Puts parameters in the place of those of the same name, and leaves the other bytes alone (DOC-10)."""
    if not values:
        return query
    kept = [part for part in query.split("&") if query and unquote_plus(part.partition("=")[0]) not in values]
    return "&".join([*kept, urlencode(values)])
