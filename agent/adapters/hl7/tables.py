"""The HL7 tables whose codes we know, as the words that travel. A code that isn't here is refused and counted."""

from typing import Final

EQUIPMENT: Final = {
    "CL": "clearing",
    "CO": "configuring",
    "DI": "diagnosing",
    "ES": "emergency-stop",
    "ID": "idle",
    "IN": "initializing",
    "MA": "maintenance",
    "OP": "operating",
    "PA": "pausing",
    "PD": "paused",
    "PU": "powered-up",
    "SD": "shutting-down",
    "SS": "sampling-stopped",
}
"""Table 0365, equipment state (v2.4; DI, MA, SD and SS since v2.8)."""
NO_CHANGE: Final = "..."
"""Table 0365 of v2.6 to v2.8: the state is what it was."""
CONTROL: Final = {"L": "local", "R": "remote"}
"""Table 0366, local/remote control state."""
LEVELS: Final = {"N": "normal", "W": "warning", "S": "serious", "C": "critical"}
"""Table 0367, alert level."""

SUBSTANCE: Final = {
    "OK": "ok",
    "EW": "expires-soon",
    "CW": "calibration-warning",
    "QW": "control-warning",
    "NW": "short",
    "CE": "calibration-error",
    "QE": "control-error",
    "EE": "expired",
    "NE": "empty",
}
"""Table 0383, substance status, from best to worst for who wants to run a test."""

STATE_LEVEL: Final = "alert-level"
STATES: Final = {"equipment": EQUIPMENT, "equipment.control": CONTROL, STATE_LEVEL: LEVELS}
"""The name of each state that travels, with its table."""

LEVEL_FAULTS: Final = {"serious": "EQU-ALERT-SERIOUS", "critical": "EQU-ALERT-CRITICAL"}
"""The catalog's codes for an analyzer that calls its own alert level so without saying why."""
