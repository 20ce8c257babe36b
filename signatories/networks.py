"""From which network a form came, without keeping an address."""

from ipaddress import ip_address, ip_network

from django.utils.crypto import salted_hmac

# What one house, or one line, usually has: an office of NGOs may well share it.
PREFIX_BITS = {4: 24, 6: 48}
KEY_LENGTH = 32  # hex digits


def network_key(address: str, *, letter_id: int) -> str:
    """A keyed hash of the address's /24 (IPv4) or /48 (IPv6); empty for what is no address on the internet.

    Under another key for each letter, so that nobody can be followed from one to the next. Whoever has
    SECRET_KEY could try all networks, of which there are few: so it is kept for two days only.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    # A proxy that TRUSTED_PROXIES does not name, most likely: then all seem to come from it.
    if not ip.is_global:
        return ""
    network = ip_network(f"{ip}/{PREFIX_BITS[ip.version]}", strict=False)
    hashed = salted_hmac("signatories.networks", f"{letter_id} {network}", algorithm="sha256")
    return hashed.hexdigest()[:KEY_LENGTH]
