"""KQL to SQL, remembered: reading KQL takes duckdb-kql a fifth of a second of pure Python, which the load would miss.

A tick asks what the last one asked, of other moments. So moments leave the text before it is read, and come back into
the SQL, where duckdb-kql leaves them as they are.
"""

import re
from functools import lru_cache

_MOMENT = re.compile(r"(?<=datetime\()[0-9T:.Z-]+(?=\))")

Schema = tuple[tuple[str, tuple[str, ...]], ...]


def to_sql(kql: str, schema: Schema) -> str:
    """The SQL for a query of tables with these columns. Raises duckdb_kql.KqlError."""
    moments = list(dict.fromkeys(_MOMENT.findall(kql)))
    stand_ins = [f"1900-01-01T00:00:00.{number:06}Z" for number in range(1, len(moments) + 1)]
    by_moment = dict(zip(moments, stand_ins, strict=True))
    sql = _read(_MOMENT.sub(lambda found: by_moment[found[0]], kql), schema)
    for stand_in, moment in zip(stand_ins, moments, strict=True):
        sql = sql.replace(stand_in, moment)
    return sql


@lru_cache(maxsize=256)
def _read(kql: str, schema: Schema) -> str:
    import duckdb_kql

    return str(duckdb_kql.to_sql(kql, schema={table: list(columns) for table, columns in schema}, allow_write=False))
