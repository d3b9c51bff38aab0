"""Images and dose reports of X-ray systems: what their DICOM objects say about the equipment that made them."""
