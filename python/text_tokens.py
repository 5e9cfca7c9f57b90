"""Tokens of texts by a tokenizer.json, as bdefects takes them. Needs Python alone.

    from text_tokens import Tokenizer

    tokenizer = Tokenizer("tokenizer.json")
    tokens = tokenizer.encode(" a small bat")    # of a text behind a word, as a template's is
    print(tokens, tokenizer.decode(tokens))

Pairs that were merged (BPE) of bytes, as of GPT-2 and Llama 3, or of characters with "▁" for a space, as of Llama 2. ValueError names what a file has that is
not read.
"""
import functools
import json
import os
import re
import unicodedata

MARK = "\u2581"
# Texts and answers stand behind something, and a beginning is read otherwise.
ANCHOR = "x"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# What \s means, without its brackets: to GPT-2's own pattern in JavaScript, and to patterns in files.
SPACES = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
OF_GPT2, OF_FILES = SPACES + r"\ufeff", SPACES + r"\x85"


class Tokenizer:
    """own: whether bdefects trained it. Its texts are cut as GPT-2's first, and what looks like a special token is text."""

    def __init__(self, path, own=False):
        read = _read(path)
        if not own:
            _assert_known(read, path)
        model, added, parts = read["model"], read["added_tokens"], _parts(read)
        self.own = own
        self.numbers = {**model["vocab"], **{token["content"]: token["id"] for token in added}}
        self.names = {number: name for name, number in self.numbers.items()}
        merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
        self.whole, self.fallback = model.get("ignore_merges", False), model.get("byte_fallback", False)
        self.unknown, self.fused = model.get("unk_token"), model.get("fuse_unk", False)
        self.levels = bool(parts) and parts[-1]["type"] == "ByteLevel"
        # No merge joins a mark to what stands before it: then words are merged one by one, which is quicker.
        self.apart = not self.levels and not self.whole and not any(re.search("[^%s]%s" % (MARK, MARK), "".join(pair)) for pair in merges)
        self.steps = [_normalisation(one) for one in _normalizers(read)]
        self.cuts = [_cut(part) for part in parts]
        self.added = {token["content"] for token in added}
        shown = [token for token in added if not (own and token.get("special"))]
        # Some are looked for in the text as it is, the others in the normalised one.
        late = [token for token in shown if self.steps and token.get("normalized", not token.get("special"))]
        normal = {self._normal(token["content"]): token["id"] for token in late}
        self.found = {**{token["content"]: token["id"] for token in shown}, **normal}
        self.early, self.late = _any_of(token["content"] for token in shown if token not in late), _any_of(normal)
        self.merged = functools.lru_cache(maxsize=1 << 16)(self._merged)

    def encode(self, text):
        """Tokens of a text behind a word; of bdefects' own tokenizer of a text. ValueError where they tell nothing apart there."""
        if self.own:
            return [number for piece in _found(_pattern(GPT2, OF_GPT2), text) for number in self._encoded(piece)]
        first, both = self._encoded(ANCHOR), self._encoded(ANCHOR + text)
        if both[: len(first)] != first:
            raise ValueError("tokenizer.json gives %r other tokens behind a letter; such a tokenizer is not read" % text[:40])
        return both[len(first) :]

    def decode(self, tokens):
        """Text of tokens. Bytes that are no UTF-8 become \\ufffd."""
        raw = b""
        for name in (self.names[token] for token in tokens):
            if name in self.added:
                raw += name.encode("utf-8")
            elif self.levels:
                raw += bytes(BYTES[letter] for letter in name)
            elif self.fallback and re.fullmatch("<0x[0-9A-F]{2}>", name):
                raw += bytes([int(name[3:5], 16)])
            else:
                raw += name.replace(MARK, " ").encode("utf-8")
        return raw.decode("utf-8", "replace")

    def _encoded(self, text):
        tokens = []
        # What was added to the tokens is one wherever it stands.
        for i, section in enumerate(self.early.split(text)):
            if section in self.found:
                tokens.append(self.found[section])
            elif section:
                for part in self.late.split(self._normal(section)):
                    tokens += [self.found[part]] if part in self.found else self._words(part, first=i == 0)
        return tokens

    def _normal(self, text):
        for step in self.steps:
            text = step(text)
        return text

    def _words(self, part, first):
        pieces = [part] if part else []
        if not self.own:
            for cut in self.cuts:
                pieces = [found for piece in pieces for found in cut(piece, first)]
        if self.apart:
            pieces = [word for piece in pieces for word in re.findall("%s*[^%s]+|%s+" % (MARK, MARK, MARK), piece)]
        names = [name for piece in pieces for name in self.merged(piece)]
        known = [name if name in self.numbers else self.unknown for name in names]
        if self.fused:
            known = [name for i, name in enumerate(known) if name != self.unknown or i == 0 or known[i - 1] != name]
        return [self.numbers[name] for name in known if name is not None]

    def _merged(self, piece):
        """Of the pairs of neighbours the one that was learned first is joined, until none was."""
        parts = [LETTERS[byte] for byte in piece.encode("utf-8")] if self.levels else list(piece)
        if self.whole and "".join(parts) in self.numbers:
            return ["".join(parts)]
        while len(parts) > 1:
            ranks = [self.ranks.get(pair, len(self.ranks)) for pair in zip(parts, parts[1:])]
            at = min(range(len(ranks)), key=ranks.__getitem__)
            if ranks[at] == len(self.ranks):
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return [name for part in parts for name in self._named(part)]

    def _named(self, part):
        """A part by its name, or by those of its bytes."""
        if part in self.numbers or not self.fallback:
            return [part]
        names = ["<0x%02X>" % byte for byte in part.encode("utf-8")]
        return names if all(name in self.numbers for name in names) else [part]


def _letters():
    """Letters for bytes, as GPT-2's: those that are seen stand for themselves."""
    others = iter(range(256, 512))
    return [chr(byte) if 32 < byte < 127 or 160 < byte < 256 and byte != 173 else chr(next(others)) for byte in range(256)]


LETTERS = _letters()
BYTES = {letter: byte for byte, letter in enumerate(LETTERS)}


def _read(path):
    """ValueError where a file is no tokenizer.json."""
    with open(path, encoding="utf-8") as file:
        try:
            read = json.load(file)
        except ValueError:
            raise ValueError("%s is no JSON; check out again" % path) from None
    model = read.get("model") if isinstance(read, dict) else None
    if not isinstance(model, dict):
        raise ValueError("%s has no 'model', so it is no tokenizer of Hugging Face; check out again" % path)
    if model.get("type") == "BPE" and not (isinstance(model.get("vocab"), dict) and isinstance(model.get("merges"), list)):
        raise ValueError("%s has no 'vocab' and 'merges' in its model; check out again" % path)
    return {**read, "added_tokens": read.get("added_tokens") or []}


def _assert_known(read, path):
    """ValueError where a tokenizer is of a kind that is not read here."""
    model, parts, normalizers = read["model"], _parts(read), _normalizers(read)
    odd = ["model %s" % model.get("type")] * (model.get("type") != "BPE")
    odd += [name for name in ("continuing_subword_prefix", "end_of_word_suffix") if model.get(name)]
    odd += ["added_tokens with %s" % name for name in ("lstrip", "rstrip", "single_word") if any(token.get(name) for token in read["added_tokens"])]
    odd += ["normalizer %s" % one.get("type") for one in normalizers if not _normalisation(one)]
    for i, part in enumerate(parts):
        # Bytes become letters behind all else.
        if not _cut(part) or part["type"] == "ByteLevel" and i < len(parts) - 1:
            pattern = part.get("pattern", {})
            odd.append(" ".join(["pre_tokenizer", str(part.get("type"))] + ["of %s" % json.dumps(pattern)] * bool(pattern)))
    marked = MARK in [part.get("replacement", MARK) for part in parts if part.get("type") == "Metaspace"] + [one.get("content") for one in normalizers]
    odd += ["neither bytes nor '%s' for a space" % MARK] * (not odd and not marked and not (parts and parts[-1]["type"] == "ByteLevel"))
    beside = os.path.join(os.path.dirname(path), "tokenizer_config.json")
    if os.path.exists(beside):
        with open(beside, encoding="utf-8") as file:
            config = json.load(file)
        odd += ["%s beside it" % name for name in ("remove_space", "do_lowercase_and_remove_accent") if config.get(name)]
    if odd:
        raise ValueError(
            "texts of your own are read by BPE as of GPT-2, Llama 2 or Llama 3, and tokenizer.json has %s; for this model take transformers, and ask as question.json says"
            % ", ".join(odd)
        )


def _listed(one, name):
    """Parts of a normalizer or pre-tokenizer, in their order."""
    if one is None:
        return []
    return [part for each in one[name] for part in _listed(each, name)] if one.get("type") == "Sequence" else [one]


def _parts(read):
    return _listed(read.get("pre_tokenizer"), "pretokenizers")


def _normalizers(read):
    return _listed(read.get("normalizer"), "normalizers")


def _normalisation(one):
    """What a normalizer makes of a text; None where it is not known."""
    if one.get("type") == "NFC":
        return lambda text: unicodedata.normalize("NFC", text)
    if one.get("type") == "Prepend":
        return lambda text: one["prepend"] + text
    if one.get("type") == "Replace" and "String" in one["pattern"]:
        return lambda text: text.replace(one["pattern"]["String"], one["content"])
    return None


def _cut(part):
    """How a pre-tokenizer cuts a piece, of a text's first section or another; None where it is not known."""
    kind = part.get("type")
    if kind == "Digits":
        return lambda piece, first: re.findall("(?s)[^0-9]+|[0-9]%s" % ("" if part.get("individual_digits") else "+"), piece)
    if kind == "ByteLevel":
        spaced = lambda piece: " " + piece if part.get("add_prefix_space") and piece[0] != " " else piece
        if not part.get("use_regex", True):
            return lambda piece, first: [spaced(piece)]
        return lambda piece, first: _found(_pattern(GPT2, OF_GPT2), spaced(piece))
    if kind == "Metaspace":
        mark, scheme = part.get("replacement", MARK), part.get("prepend_scheme", "always")
        begins = lambda first: scheme == "always" or scheme == "first" and first
        return lambda piece, first: [_marked(piece.replace(" ", mark), mark if begins(first) else "")]
    if kind == "Split" and part.get("behavior") == "Isolated" and not part.get("invert"):
        pattern = part["pattern"]
        made = re.compile(re.escape(pattern["String"])) if "String" in pattern else _pattern(pattern["Regex"], OF_FILES)
        return made and (lambda piece, first: _found(made, piece))
    return None


def _marked(text, mark):
    return text if text.startswith(mark) else mark + text


def _any_of(texts):
    """A pattern that finds any of some texts, and of several that begin alike the longest."""
    longest_first = sorted(filter(None, texts), key=len, reverse=True)
    return re.compile("(%s)" % ("|".join(map(re.escape, longest_first)) or "(?!)"))


def _found(pattern, text):
    """What a pattern finds in a text, and what lies between."""
    pieces, at = [], 0
    for match in pattern.finditer(text):
        pieces += [text[at : match.start()], match.group()]
        at = match.end()
    return [piece for piece in pieces + [text[at:]] if piece]


# A pattern's parts that mean the same in Python, without classes in classes, anchors, and quantifiers behind quantifiers.
ATOMS = re.compile(
    r"(?P<kind>\\p\{[LMNPSZ]\})|(?P<space>\\[sS])|(?P<fold>\(\?i:)|(?P<same>\\[rnt]|\\[^\w\s]|\(\?[:=!]|\((?!\?)|\[\^?|[\])|]|(?:[?*+]|\{\d+(?:,\d*)?\})(?![?*+{])|[^\\\[\](){}?*+|.^$&])"
)


@functools.lru_cache(maxsize=None)
def _pattern(source, spaces):
    """A pattern with classes of Unicode, which Python's re has not. None where it has what is not known here."""
    out, at, in_class = "", 0, False
    while at < len(source):
        atom = ATOMS.match(source, at)
        if not atom or atom["space"] == r"\S" and in_class or in_class and atom.group()[0] in "[(|":
            return None
        if atom["kind"]:
            inner = _ranges(atom.group()[3])
            out += inner if in_class else "[%s]" % inner
        elif atom["space"]:
            out += spaces if in_class else "[%s%s]" % ("^" if atom.group() == r"\S" else "", spaces)
        elif atom["fold"]:
            # Letters of ASCII alone.
            out += "(?ai:"
        else:
            in_class = atom.group()[0] == "[" or in_class and atom.group() != "]"
            out += atom.group()
        at = atom.end()
    try:
        return re.compile(out)
    except re.error:
        return None


@functools.lru_cache(maxsize=None)
def _ranges(kind):
    """The characters of a general category, as they are written within brackets."""
    return "".join("%s-%s" % (re.escape(chr(run.start())), re.escape(chr(run.end() - 1))) for run in re.finditer(kind + "+", _kinds()))


@functools.lru_cache(maxsize=None)
def _kinds():
    return "".join(unicodedata.category(chr(number))[0] for number in range(0x110000))
