"""Who ordered what of a flight: handed over once each, whatever else stands in the file."""

from __future__ import annotations

from pathlib import Path

from picket import orders


def test_every_order_is_kept_once_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "orders"
    kept: list[tuple[str, str, str]] = []
    reading = orders.Orders(path)

    def record(kind: str, /, *, order: str, by: str) -> None:
        kept.append((kind, order, by))

    reading.keep(record)
    orders.give(path, "fly", "A. Rahman")
    with path.open("ab") as stream:
        stream.write(b'no order\n[]\n{"order": "x"}\n{"order": "return')
    reading.keep(record)
    reading.keep(record)
    with path.open("ab") as stream:
        stream.write(' home", "by": "\u09b0\u09b9\u09ae\u09be\u09a8"}\n'.encode())
    reading.keep(record)
    path.unlink()
    reading.keep(record)
    assert kept == [("ordered", "fly", "A. Rahman"), ("ordered", "return home", "রহমান")]
    orders.Orders().keep(record)
