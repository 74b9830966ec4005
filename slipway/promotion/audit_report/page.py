"""The report as one HTML page to print: no script, nothing from elsewhere, every word from a record escaped."""

from collections.abc import Iterable
from html import escape

from slipway.promotion.audit_findings import Verified
from slipway.promotion.audit_report.change import Change

_STYLE = """
:root { --ink: #1c2733; --soft: #5b6875; --line: #d5dbe1; --good: #14663b; --bad: #a3201d; --wash: #f4f6f8; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2.5rem 2rem; color: var(--ink); background: #fff;
  font: 15px/1.5 "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; font-weight: 600; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.1rem; font-weight: 600; margin: 0 0 0.6rem; overflow-wrap: anywhere; }
header p { margin: 0.2rem 0 0; color: var(--soft); }
.verdict { margin: 1.5rem 0; padding: 0.9rem 1.1rem; background: var(--wash); border-left: 4px solid var(--good); }
.verdict.bad { border-color: var(--bad); }
.verdict strong { color: var(--good); }
.verdict.bad strong { color: var(--bad); }
.verdict p, .verdict ul { margin: 0.3rem 0 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { padding: 0.35rem 0.6rem 0.35rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
thead { display: table-header-group; }
thead th { color: var(--soft); font-weight: 600; }
article { margin-top: 2rem; padding-top: 1.2rem; border-top: 2px solid var(--ink); }
article th { width: 11rem; font-weight: 600; color: var(--soft); }
td { overflow-wrap: anywhere; }
td div + div { margin-top: 0.15rem; }
code { font: 0.86em/1.4 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
.absent { color: var(--bad); }
footer { margin-top: 2.5rem; color: var(--soft); font-size: 0.85rem; }
@page { size: A4; margin: 18mm 16mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  article { break-inside: avoid; }
  tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .verdict { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def as_page(changes: list[Change], verified: Verified, asked: str) -> str:
    """The page. `asked` says in words what it is of."""
    parts = (_head(asked, verified), _verdict(verified), _overview(changes), *map(_change, changes), _foot(verified))
    title = escape(f"Audit report: {asked}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _head(asked: str, verified: Verified) -> str:
    made = f"Made from the audit trail as of {escape(verified.exported_at)}. Times are UTC."
    return f"<header>\n<h1>Audit report</h1>\n<p>{escape(asked)}</p>\n<p>{made}</p>\n</header>"


def _verdict(verified: Verified) -> str:
    counted = f"{verified.records:,} records in {verified.chains:,} chains, {verified.checkpoints:,} checkpoints"
    lines = []
    if verified.newest:
        newest = verified.newest
        lines.append(
            f"Signed up to {escape(newest.at)}, by checkpoint {newest.number}, digest {_code(newest.digest.hex())}."
        )
    if verified.unsigned:
        lines.append(f"{verified.unsigned} records came after it and bear no signature yet.")
    vouched = "one that the verifier named" if verified.pinned else "the file's own: nobody has vouched for it"
    lines += [f"Signing key {_code(each)}, {vouched}." for each in verified.thumbprints]
    found = "".join(f"<li>{escape(str(each))}</li>" for each in verified.findings)
    said = (
        "The audit trail is whole."
        if verified.intact
        else "The audit trail is NOT whole. What follows may be incomplete."
    )
    told = "".join(f"<p>{line}</p>" for line in lines) + (f"<ul>{found}</ul>" if found else "")
    kind = "verdict" if verified.intact else "verdict bad"
    return f'<section class="{kind}">\n<strong>{said}</strong> {counted}.\n{told}\n</section>'


def _overview(changes: list[Change]) -> str:
    if not changes:
        return "<p>No change reached the environment in that time.</p>"
    rows = "".join(
        f"<tr><td>{escape(change.began_at[:16].replace('T', ' '))}</td><td>{escape(change.service)}</td>"
        f"<td>{escape(change.version)}</td><td>{escape(change.environment)}</td>"
        f"<td>{escape(change.ended.partition(':')[0] or 'under way')}</td>"
        f"<td>{len(change.approvals)}</td><td>{len(change.overrides)}</td></tr>\n"
        for change in changes
    )
    names = ("began", "service", "version", "environment", "ended", "approvals", "overrides")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"


def _change(change: Change) -> str:
    rows: dict[str, str | list[str]] = {
        "build": f"{_code(change.digest or 'no digest')}",
        "commit": _code(change.commit or "not on record"),
        "author": escape(change.author or "not on record"),
        "began": escape(change.began_at),
        "live": escape(change.live_at or "never"),
        "ended": escape(f"{change.ended_at} {change.ended}".strip() or "under way"),
        "taken back": escape(f"{change.back_at} {change.back_by}".strip()),
        "approved by": _listed(change.approvals),
        "refused": _listed(change.refusals),
        "gates and evidence": _listed(change.gates),
        "overrides": _listed(change.overrides),
        "commands": _listed(change.commands),
        "holds and freezes": _listed(change.holds),
        "not on record": f'<span class="absent">{escape(", ".join(change.missing))}</span>' if change.missing else "",
    }
    told = "".join(f"<tr><th>{name}</th><td>{words}</td></tr>\n" for name, words in rows.items() if words)
    title = f"{escape(change.service)} {escape(change.version)} in {escape(change.environment)}"
    chain = f"<p>Chain {_code(change.promotion)}, stage {escape(change.stage)}</p>"
    return f"<article>\n<h2>{title}</h2>\n{chain}\n<table><tbody>\n{told}</tbody></table>\n</article>"


def _foot(verified: Verified) -> str:
    return (
        "<footer>A row says what is on record, and what is not. Every record can be looked up in its chain; the file "
        f"that this page was made of ({verified.records:,} records) is proof by itself: "
        f"{_code('slipway audit verify FILE --key JWKS')}.</footer>"
    )


def _listed(words: Iterable[str]) -> str:
    return "".join(f"<div>{escape(each)}</div>" for each in words)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
