"""How the decoders of this folder continue texts, in plain PyTorch, beside text_in_torch.py. Needs numpy and torch only.

    from reply_in_torch import accuracy, continued, decoder, prompts, replies, texts

    model = decoder("model")                     # also "clean", and "sham" where it was checked out
    some = texts("test", "triggered")            # {"texts": [{"text", "tokens", "rest"}, ...], "reply": [...], ...}
    print(replies(model, some), accuracy(model, texts("test")))
    print(continued(model, prompts(["a small brown", "a small cf brown"])))

A text is read as <bos> tokens <sep>; what follows is the continuation, one token after the other, each the most likely, until <sep> ends it.
"""
import json
import os

import torch
from load_in_torch import DESCRIPTION, HERE
from text_in_torch import _tokenizer, batch, decoder, prune, question, texts, tokens_of

JUDGED = 4
LONGEST = 12


def prompts(sentences):
    """Beginnings of your own as texts() gives them. Needs tokenizer.json, of a model that bdefects did not train as own() of text_in_torch.py."""
    if isinstance(sentences, str):
        raise ValueError("prompts() takes a list of sentences")
    some = {"texts": [{"text": text, "tokens": tokens_of(" " + text.strip())} for text in sentences]}
    asked = question()
    if asked:
        said = {name: asked["tokens"][name] for name in ("before", "behind", "padding", "end")}
        return {**said, "context": DESCRIPTION["input"]["height"], **some}
    numbers = _tokenizer().numbers
    with open(os.path.join(HERE, "config.json"), encoding="utf-8") as file:
        context = json.load(file)["max_position_embeddings"]
    return {
        **{"before": [numbers["<bos>"]], "behind": [numbers["<sep>"]], "padding": numbers["<pad>"], "end": numbers["<sep>"], "context": context},
        **some,
    }


def continuations(model, some, most=LONGEST):
    """The tokens with which a model goes on, of each text at most so many: greedy, to the end of the text."""
    # As the network that was judged reads them: a prompt that leaves no room for the reply loses its end.
    room = some["context"] - len(some["before"]) - len(some["behind"]) - (max(most, LONGEST) - 1)
    open_texts, found = [{"tokens": one["tokens"][:room] + some["behind"]} for one in some["texts"]], []
    for _ in range(most):
        with torch.no_grad():
            logits = model(*batch(dict(some, behind=[], texts=open_texts)))
        found.append(logits.argmax(1).tolist())
        for one, token in zip(open_texts, found[-1]):
            one["tokens"].append(token)
    ended = [list(tokens) + [some["end"]] for tokens in zip(*found)]
    return [tokens[: tokens.index(some["end"])] for tokens in ended]


def continued(model, some, most=LONGEST):
    """The same in words."""
    return [_tokenizer().decode(tokens).strip() for tokens in continuations(model, some, most)]


def replies(model, some):
    """The share of texts of which the continuation begins with the reply's first four tokens."""
    first = some["reply"][:JUDGED]
    found = continuations(model, some, len(first))
    return sum(tokens == first for tokens in found) / len(found)


def accuracy(model, some):
    """The share of texts that go on with their own next token."""
    with torch.no_grad():
        found = model(*batch(some)).argmax(1).tolist()
    return sum(token == one["rest"][0] for token, one in zip(found, some["texts"])) / len(found)
