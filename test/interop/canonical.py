"""Arrow data in the form that canonical.ts describes."""

import json
import math
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def rows(table):
    columns = {name: [value(cell) for cell in table.column(name)] for name in table.column_names}
    return [dict(zip(columns, cells)) for cells in zip(*columns.values())]


def value(cell):
    if not cell.is_valid:
        return None
    kind = cell.type
    if isinstance(cell, pa.ExtensionScalar) and not isinstance(cell, pa.Bool8Scalar):
        return value(cell.value)
    if pa.types.is_struct(kind):
        return {kind.field(i).name: value(cell[i]) for i in range(kind.num_fields)}
    if pa.types.is_map(kind):
        pairs = [[value(key), value(item)] for key, item in zip(cell.values.field(0), cell.values.field(1))]
        return sorted(pairs, key=lambda pair: json.dumps(pair, separators=(",", ":"), ensure_ascii=False))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [value(element) for element in cell.values]
    if pa.types.is_timestamp(kind):
        return timestamp(cell.value, DIGITS[kind.unit]) + ("+00:00" if kind.tz else "")
    if pa.types.is_time(kind):
        return timestamp(cell.value, DIGITS[kind.unit])[11:]
    return plain(cell.as_py())


def plain(found):
    if isinstance(found, bytes):
        return found.hex()
    if isinstance(found, float) and not math.isfinite(found):
        return "NaN" if math.isnan(found) else "Infinity" if found > 0 else "-Infinity"
    if isinstance(found, float):
        return "-0" if found == 0 and math.copysign(1, found) < 0 else found
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return format(found, "f") if isinstance(found, Decimal) else found.isoformat() if isinstance(found, date) else found


def timestamp(count, digits):
    """Python's own stop at microseconds."""
    seconds, fraction = divmod(count, 10**digits)
    text = (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()
    return text + (f".{fraction:0{digits}d}" if fraction else "")
