"""Who comes in, as whom, and what may be asked of us at all?"""
