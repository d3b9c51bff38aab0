"""What an alert and the ticket of it are called: what is wrong, without the family, which is told beside it. Pure."""

from alerts.effects import Kind
from alerts.plan import MORE, NUMBERS, UNKNOWN_FAMILY


def title(*, kind: Kind, subject: str, rule: str, family: str) -> tuple[str, dict[str, str]]:
    """Message id and parameters of a title. The parameters are what the catalog's guidance is looked up by, too."""
    match kind:
        case "fault" if subject == MORE:
            return "ticket.title.unknown_more", {"family": family}
        case "fault":
            unknown = family == UNKNOWN_FAMILY
            return "ticket.title.unknown" if unknown else "ticket.title", {"family": family, "code": subject}
        case "limit":
            return "ticket.title.limit", {"family": family, "signal": subject, "rule": rule}
        case "identity":
            return f"ticket.title.{'numbers' if rule == NUMBERS else kind}", {"family": family}
        case "silence" | "clock" | "connection" | "unjudged":
            return f"ticket.title.{kind}", {"family": family, "rule": rule}
