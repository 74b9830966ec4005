"""The storefront's migrations: numbered SQL scripts, applied to the SQLite database DATABASE up to SLIPWAY_SCHEMA_TO.

`expand` and `contract` do the same, since a script is one or the other. Each is applied once, in a transaction of its
own with its number: what was there already is left alone. The last line is `schema=N`. A tag that ends with
`-badmigration` has a script that cannot be applied, after one that can.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

BASELINE = 12
SCRIPTS = {
    BASELINE: ("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT)", "INSERT INTO orders VALUES (1, 'Ada')"),
    13: (  # expand: a customer becomes a row, and is still a name
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO customers (name) SELECT DISTINCT customer FROM orders",
        "ALTER TABLE orders ADD COLUMN customer_id INTEGER",
        "UPDATE orders SET customer_id = (SELECT id FROM customers WHERE name = customer)",
    ),
    14: ("ALTER TABLE orders DROP COLUMN customer",),  # contract
    15: ("ALTER TABLE customers ADD COLUMN email TEXT",),  # expand
    16: ("ALTER TABLE orders ADD COLUMN paid_at TEXT",),  # expand
}
BAD = ("ALTER TABLE orders ADD COLUMN half_way TEXT", "ALTER TABLE no_such_table ADD COLUMN x TEXT")


def version_of(database: sqlite3.Connection) -> int:
    database.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied TEXT)")
    return int(database.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0])


def apply(database: sqlite3.Connection, number: int, statements: tuple[str, ...]) -> None:
    """All of them with the number, or none."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            database.execute(statement)
        database.execute("INSERT INTO schema_version VALUES (?, datetime())", (number,))
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def main() -> int:
    step, wanted = sys.argv[1], int(os.environ.get("SLIPWAY_SCHEMA_TO") or BASELINE)
    file = Path(os.environ["VOLUME"]) / f"{os.environ['DATABASE']}.sqlite"
    bad = os.environ["IMAGE_TAG"].endswith("-badmigration")
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as database:
        there = version_of(database)
        print(f"{step}: {file.stem} is at {there}, wanted is {wanted}")
        numbers = [number for number in sorted(SCRIPTS) if there < number <= max(wanted, BASELINE)]
        for position, number in enumerate(numbers, start=1):
            statements = BAD if bad and position == len(numbers) else SCRIPTS[number]
            try:
                apply(database, number, statements)
            except sqlite3.Error as error:
                print(f"script {number} failed: {error}")
                return 3
            print(f"script {number} is applied")
        print(f"schema={version_of(database)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
