"""Writes the tables of tests/run/data/files: the same data by pandas, PyArrow and polars.

    pip install pandas pyarrow polars
    python3 scripts/reference/data_files.py tests/run/data/files

Written by pandas 2/3, pyarrow and polars as of 2026; the versions are printed. Columns: whole
numbers with and without gaps, reals, booleans, text, dictionary-encoded text, lists of equal and of
different lengths, dates, and integers that no double holds.
"""

import datetime
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)

N = 40
columns = {
    "n": list(range(N)),
    "x": [0.5 * i - 3 for i in range(N)],
    "gap": [None if i % 7 == 3 else i / 8 for i in range(N)],
    "count": [None if i % 9 == 4 else 10 * i for i in range(N)],
    "yes": [i % 3 == 0 for i in range(N)],
    "word": [["red", "green", "blue"][i % 3] for i in range(N)],
    "row": [[float(i), i + 0.25] for i in range(N)],
    "ragged": [[1.0] * (1 + i % 2) for i in range(N)],
    "day": [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(N)],
    "huge": [2**60 + i for i in range(N)],
}
table = pa.table(
    {
        **{k: pa.array(v) for k, v in columns.items()},
        "word": pa.array(columns["word"]).dictionary_encode(),
        "small": pa.array([i % 5 for i in range(N)], pa.int8()),
        "single": pa.array([i / 4 for i in range(N)], pa.float32()),
    }
)
for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
    pa.parquet.write_table(table, out / f"arrow-{codec}.parquet", compression=codec)
pa.parquet.write_table(table, out / "arrow-groups.parquet", row_group_size=11)
for codec in ["uncompressed", "lz4", "zstd"]:
    pa.feather.write_feather(table, out / f"arrow-{codec}.feather", compression=codec)
with pa.ipc.new_stream(out / "arrow.arrows", table.schema) as writer:
    writer.write_table(table, max_chunksize=17)
plain = ["n", "x", "gap", "count", "yes", "word", "row"]
frame = pd.DataFrame({k: columns[k] for k in plain})
frame.to_parquet(out / "pandas.parquet")
frame.to_feather(out / "pandas.feather")
frame.drop(columns=["row"]).to_csv(out / "pandas.csv")
frame.drop(columns=["row"]).to_csv(out / "pandas.tsv", sep="\t", index=False)
frame.drop(columns=["row"]).to_csv(out / "german.csv", sep=";", decimal=",", index=False)
polars = pl.DataFrame({k: columns[k] for k in plain})
polars.write_parquet(out / "polars.parquet")
polars.write_ipc(out / "polars.arrow")
polars.write_ipc(out / "polars-lz4.arrow", compression="lz4")
empty = frame.iloc[:0][["n", "x"]]
empty.to_parquet(out / "no-rows.parquet")
empty.to_feather(out / "no-rows.feather")
# More than one LZ4 block, of 4 MiB at most, needs a longer column: it compresses well.
long = pa.table({"x": pa.array([float(i % 10) for i in range(600_000)])})
pa.feather.write_feather(long, out / "long.feather", compression="lz4", chunksize=600_000)
print({m.__name__: m.__version__ for m in (pd, pa, pl)})
