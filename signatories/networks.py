"""From which network a form came, without keeping an address."""

from ipaddress import ip_address, ip_network

from django.utils.crypto import salted_hmac

# What one house, or one line, usually has: an office of NGOs may well share it.
PREFIX_BITS = {4: 24, 6: 48}
# Within an IPv6 /64 a single machine may take whatever address it likes (RFC 8981).
CLIENT_BITS = {4: 32, 6: 64}
KEY_LENGTH = 32  # hex digits


def client_key(address: str) -> str:
    """A keyed hash of an IPv4 address, or of an IPv6 address's /64; whatever is no address counts as one client.

    For counts that are gone within minutes.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return _hashed("client")
    return _hashed(f"client {ip_network(f'{ip}/{CLIENT_BITS[ip.version]}', strict=False)}")


def is_on_the_internet(address: str) -> bool:
    """False for what is most likely a proxy that TRUSTED_PROXIES does not name: then all seem to come from it."""
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def network_key(address: str, *, letter_id: int) -> str:
    """A keyed hash of the address's /24 (IPv4) or /48 (IPv6); empty for what is no address on the internet.

    Under another key for each letter, so that nobody can be followed from one to the next. Whoever has
    SECRET_KEY could try all networks, of which there are few: so it is kept for two days only.
    """
    if not is_on_the_internet(address):
        return ""
    ip = ip_address(address)
    return _hashed(f"{letter_id} {ip_network(f'{ip}/{PREFIX_BITS[ip.version]}', strict=False)}")


def _hashed(text: str) -> str:
    hashed = salted_hmac("signatories.networks", text, algorithm="sha256")
    return hashed.hexdigest()[:KEY_LENGTH]
