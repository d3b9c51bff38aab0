"""HL7 v2 over MLLP: what an analyzer says of itself, its reagents and its controls; never a patient's result."""
