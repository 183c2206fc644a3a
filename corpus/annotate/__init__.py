"""Annotators derive columns from messages or their media files, which overlay those of the sources.

Annotators, one file each: language, tone; comment_tone (of comments); scenes, frames, look, sound, speech, screen_text,
captions, picture_tone (of media). What they share: base, registry, choose (from a command's words); run (of messages
and comments); sentiment, learned_sentiment, minilm; media (their base), media_run, media_plan, children (asks) and
child (the process that decodes), sampled_frames, model_folders, whisper_weights.
"""
