"""What ``tools/prose.py`` looks for: words and phrases that a native engineer doesn't write, and what to write
instead."""

from __future__ import annotations

import re

# `make test` checks these files and folders, except the files in LATER. The aim is to check everything.
CLEAN = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "dcs_emulator",
    "dcs_migration",
    "docs",
    "examples",
    "tests",
    "tools",
    "__main__.py",
)
LATER: tuple[str, ...] = ()

# Checks of proselint that are switched off, and why.
NOISE = {
    "typography.symbols": "the sources are ASCII: straight quotes, three dots, x for a product",
    "weasel_words.very": "its message isn't fit to print; our table has the word",
}

# A pattern, and what to write instead. Inline code is not searched, so that a name can have any word in it.
_TABLE = {
    # Archaic, poetic or stilted words
    r"shall|ought": "will, must, should, or the present tense",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"anew|afresh": "again, from scratch",
    r"hence|thus|hereby|herewith": "so, or start a new sentence",
    r"nevertheless|nonetheless|notwithstanding|albeit": "still, but, although",
    r"lest": "so that it doesn't",
    r"whence|whither|hither|thither|yonder|unto|oft|betwixt": "from where, to, often, between",
    r"there(?:by|in|of|to|with|upon)|where(?:by|in|of|upon|to)|hereafter|forthwith": "a plain preposition",
    r"whilst|amongst|amidst|till|upon": "while, among, until, on",
    r"seldom": "rarely",
    r"very": "nothing, or a stronger word",
    r"deem(?:s|ed)?|reckon(?:s|ed)?": "consider, expect",
    r"nobody|(?:any|some)body": "no one, anyone, someone; or say what is not set",
    r"who(?:m|so)?ever(?:'s)?|whatever|wherever|whichever": "any, or say who or what",
    r"at the (?:most|least)": "at most, at least",
    r"as far as": "if, where, or say how much",
    r"as to (?:how|what|why|whether|which)": "the question word alone",
    r"begins?|began|begun": "start, starts, started",
    r"strangers?": "third-party clients",
    r"unfinished": "still running, not finished",
    r"unasked": "unwanted, unrequested",
    r"rooms?": "module",
    r"life[ -]cycles?": "lifecycle",
    r"beside": "next to, in addition to, besides",
    r"in vain|be it|of old|as yet|once more|and the like|so as|no sooner|a second time": "a plain word",
    r"in order to|prior to|subsequent to|by means of|on account of|with regard to|in the event": "a short word",
    # Verbs
    r"needs? not": "doesn't need to",
    r"(?:goes|go|went|going|gone) on": "continue, keep running",
    r"(?:make|makes|made|making) up(?! for)": "generate, invent",
    r"ways? on": "to continue, either ... or ...",
    r"(?:speak|speaks|spoke|spoken|say|says|tell|tells) of": "name, describe, report",
    r"(?<!can't )(?:tell|tells|told|telling) (?:whether|what|which|how|why|where|that|about|by|nothing|no|none|when|who|if)": (
        "show, report, say"
    ),
    r"bears?|borne": "has",
    r"(?:is|are|was|were) (?-i:gone)": "no longer exists",
    r"stands? (?:in(?! for)|there|at)": "is in",
    r"stay(?:s|ed)? (?:as|what|where) (?:it|they)": "isn't changed, keeps",
    r"hand(?:s|ed|ing)? (?:over|on)": "pass, give",
    r"(?:know|bear|name|ask|send|call|load)s? no(?:ne|thing)?": "doesn't",
    # Sentences
    r"(?<!there )(?<!here )(?:is|are|was|were) (?-i:no|none)(?! longer| more| less| newer| other than|-)": "isn't a, isn't valid",
    r"(?:of|by|that) which|of whose|(?:of|by|for|to|with) whom": "two sentences, or 'with', 'where'",
    r"(?:an?|no|any|one|some|the) \w+ of (?:yours|theirs|ours|mine)": "your, their, our",
    r"(?:an?|the|no|its|their|this|that|whose) marks?(?! of)": "owner mark",
    r"otherwise than": "differently from",
    # A condition without "if": "Does it not show up, the run fails."
    r"(?:(?<=[.;:] )|(?<=\n))(?:Does|Is|Are|Were|Had|Should) (?:it|they|there|none|the \w+) [^.?\n]*\.": "a sentence with 'if'",
}

PATTERNS = [
    (re.compile(rf"\b(?:{words})(?!\w)", re.IGNORECASE), instead) for words, instead in _TABLE.items()
]

# Only for messages of the code, which use contractions, as the documentation does.
MESSAGE_PATTERNS = [
    (
        re.compile(r"\b(?:is|are|was|were|do|does|did|can|could|would|will|should|has|have) ?not\b(?! only)"),
        "isn't, doesn't, can't",
    )
]
# The emulator's modules with texts of the service, which are spelled as the service spells them.
SERVICE_TEXTS = tuple(
    f"dcs_emulator/{name}.py" for name in ("errors", "identity", "online", "operations", "signature", "store")
)
