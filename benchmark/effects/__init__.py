"""Which of the effects that a simulated world plants does each run recover?"""
