"""The annotators by name."""

from __future__ import annotations

from corpus.annotate.base import Annotator
from corpus.registry import Registry

ANNOTATORS: Registry[Annotator] = Registry(
    "annotator",
    "cbc.annotators",
    {
        "language": "corpus.annotate.language:DetectedLanguage",
        "scenes": "corpus.annotate.scenes:Scenes",
        "speech": "corpus.annotate.speech:Speech",
        "text": "corpus.annotate.screen_text:ScreenText",
        "captions": "corpus.annotate.captions:Captions",
        "frames": "corpus.annotate.frames:Frames",
        "look": "corpus.annotate.look:Look",
        "sound": "corpus.annotate.sound:SoundMeasures",
        "tone": "corpus.annotate.tone:Tone",
        "comment_tone": "corpus.annotate.comment_tone:CommentTone",
        "picture_tone": "corpus.annotate.picture_tone:PictureTone",
    },
)
