"""What a model forecasts of one message: views, likes per view, the replay curve, and which scenes matter.

`message` reads what is known of it, `corpus_of_one` makes a corpus of it that is annotated as any other, `ask` prompts
the model, `matter` asks again without each scene, `run` joins them.
"""
