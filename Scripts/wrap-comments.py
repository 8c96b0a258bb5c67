#!/usr/bin/env python3
"""Wraps comments of Swift and C (`//` and `///`, on lines of their own) at 100 columns.

usage: wrap-comments.py FILE...            rewrites the files
       wrap-comments.py --check FILE...    names the comments that it would wrap, as file:line

A paragraph is touched only if one of its lines is too long. Lists keep their hanging indent, and
fenced or indented code, tables, headings, MARK lines and directives stay as they are, as do line
breaks that were meant: after a line that was not full and ends a sentence, or before a formula.
Nothing but comments changes, and a second run changes nothing.
"""
import re
import sys
from pathlib import Path

LIMIT = 100

COMMENT = re.compile(r"^(\s*)(//[/!]?)(.*)$")
ITEM = re.compile(r"^(\s*)([-*+]|\d+[.)])(\s+)")
# Lines that are no prose.
FIXED = re.compile(
    r"^\s*(\||#{1,6} |MARK:|swift-tools-version|swift-format-ignore|clang-format|NOLINT|SPDX|[-=*_]{3,}\s*$)"
)
FENCE = re.compile(r"^\s*(```|~~~)")
# At the beginning of a line these would be a list, a heading, a quotation or a table.
GLUED = re.compile(r"^([-+*=<>|&]+|#+|\d+[.)])$")
OPERATOR = re.compile(r"^(?:[-+*/=]|[<>]=?)$")
# A line of its own: `dx = ...` without the quotation marks.
FORMULA = re.compile(r"^[\w\[\]'.]+ = ")
# Code spans are not broken.
WORD = re.compile(r"(?:[^\s`]*`[^`\n]{1,60}`[^\s`]*)+|\S+")


def words(text):
    """The pieces of a text that stay together."""
    pieces = []
    for word in WORD.findall(text):
        last = pieces[-1].rsplit(" ", 1)[-1] if pieces else ""
        operand = OPERATOR.match(last) and len(pieces[-1]) + len(word) < 40
        if pieces and (GLUED.match(word) or operand):
            pieces[-1] += " " + word
        else:
            pieces.append(word)
    return pieces


def filled(text, width, first, rest):
    """Lines of at most `width` columns; `first` and `rest` are what they begin with."""
    lines, line, lead = [], "", first
    for word in words(text):
        if line and len(lead) + len(line) + 1 + len(word) > width:
            lines.append(lead + line)
            line, lead = word, rest
        else:
            line = f"{line} {word}" if line else word
    return lines + [lead + line]


def balanced(text, width, first, rest):
    """As `filled`, a little narrower if that keeps a last word from standing alone."""
    full = filled(text, width, first, rest)
    for narrower in range(width, width - 14, -1):
        lines = filled(text, narrower, first, rest)
        if len(lines) == len(full) and len(lines[-1].split()) > 1 and len(lines[-1].strip()) > 16:
            return lines
    return full


def goes_on(line, following, longest):
    """Whether a text was broken behind `line` because the line was full."""
    word = following.split(" ", 1)[0]
    if len(line) + 1 + len(word) > longest - 12:
        return True
    if re.search(r"[.:;!?]$", line) or FORMULA.match(line) or FORMULA.match(following):
        return False
    return bool(re.match(r"[a-z(`]", following))


def begins_item(text, before):
    """Whether a line is an item of a list. A number may also stand there because of where the
    sentence was broken, `is to be` / `1. Other`, so that it needs an end before it."""
    item = ITEM.match(text)
    if item and item[2][0].isdigit() and before.strip():
        return item if re.search(r"[.:;]$", before) or ITEM.match(before) else None
    return item


def paragraphs(body):
    """Cuts the lines of a comment (without `//`) into (start, end, first indent, rest indent); the
    last two are `None` where lines are to stay as they are."""
    cuts, i, indent = [], 0, None
    while i < len(body):
        text = body[i]
        if FENCE.match(text):
            end = i + 1
            while end < len(body) and not FENCE.match(body[end]):
                end += 1
            cuts.append((i, min(end + 1, len(body)), None, None))
            i = min(end + 1, len(body))
            continue
        if not text.strip():
            cuts.append((i, i + 1, None, None))
            i += 1
            continue
        item = begins_item(text, body[i - 1] if i else "")
        lead = len(text) - len(text.lstrip())
        # The indent of a list's text; of a paragraph one space. More is code, or drawn.
        if item:
            indent = item.end()
            first, rest = text[:indent], " " * indent
        elif indent is not None and lead >= 2:
            indent = min(indent, lead)
            first = rest = " " * lead
        else:
            indent = None
            first = rest = " " * lead
        if FIXED.match(text) and not item or not item and indent is None and lead >= 2:
            cuts.append((i, i + 1, None, None))
            i += 1
            continue
        end = i + 1
        while end < len(body):
            following = body[end]
            inset = len(following) - len(following.lstrip())
            if not following.strip() or FIXED.match(following) or FENCE.match(following):
                break
            if begins_item(following, body[end - 1]):
                break
            if inset != len(rest):
                break
            end += 1
        cuts.append((i, end, first, rest))
        i = end
    return cuts


def wrapped(prefix, body):
    """The lines of one comment as they should be, and the indices of those that were too long."""
    result, long_lines = [], []
    for start, end, first, rest in paragraphs(body):
        lines = body[start:end]
        over = [i for i in range(start, end) if len(prefix + body[i]) > LIMIT]
        if first is None or not over:
            result += lines
            continue
        longest = max(len(line) for line in lines)
        groups = [[lines[0][len(first):]]]
        for line, following in zip(lines, lines[1:]):
            if goes_on(line.strip(), following.strip(), longest - len(rest)):
                groups[-1].append(following.strip())
            else:
                groups.append([following.strip()])
        new = []
        for number, group in enumerate(groups):
            start_of_group = first if number == 0 else rest
            if all(len(prefix + rest + line) <= LIMIT for line in group):
                new += [(start_of_group if i == 0 else rest) + line for i, line in enumerate(group)]
            else:
                new += balanced(" ".join(group), LIMIT - len(prefix), start_of_group, rest)
        if new != lines:
            long_lines += over
        result += new
    return result, long_lines


def rewrite(path):
    """The text of a file with its comments wrapped, and the numbers of lines that were too long."""
    lines = path.read_text(encoding="utf-8").split("\n")
    result, found, i = [], [], 0
    in_string = in_block = False
    while i < len(lines):
        line = lines[i]
        match = None if in_string or in_block else COMMENT.match(line)
        if not match:
            if path.suffix == ".swift" and not in_block and line.count('"""') % 2:
                in_string = not in_string
            elif not in_string:
                bare = re.sub(r'"(\\.|[^"\\])*"|//.*', "", line)
                if bare.rfind("/*") > bare.rfind("*/"):
                    in_block = True
                elif in_block and "*/" in line:
                    in_block = False
            result.append(line)
            i += 1
            continue
        prefix = match[1] + match[2]
        end = i
        body = []
        while end < len(lines):
            other = COMMENT.match(lines[end])
            if not other or other[1] + other[2] != prefix:
                break
            body.append(other[3].rstrip())
            end += 1
        # A macro's lines end in a backslash.
        if any(text.endswith("\\") for text in body):
            result += lines[i:end]
        else:
            new, over = wrapped(prefix, body)
            result += [prefix + text for text in new] if over else lines[i:end]
            found += [i + 1 + index for index in over]
        i = end
    return "\n".join(result), found


def main(arguments):
    check = "--check" in arguments
    files = [Path(a) for a in arguments if not a.startswith("--")]
    if not files:
        sys.exit(__doc__)
    count = 0
    for path in files:
        text, found = rewrite(path)
        count += len(found)
        if check:
            for number in found:
                print(f"{path}:{number}")
        elif found:
            path.write_text(text, encoding="utf-8")
    if check and count:
        sys.exit(f"wrap-comments: {count} comment lines beyond {LIMIT} columns")


if __name__ == "__main__":
    main(sys.argv[1:])
