/** Parquet files, of any of its compressions. */
import { type RawData, readColumns } from "./values.js";

/** @throws an `Error` of the reader where the bytes are no whole file */
export async function parseParquet(path: string, bytes: Uint8Array): Promise<RawData> {
  // Loaded on first use: most runs read JSON.
  const { parquetMetadata, parquetRead } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const file = Uint8Array.from(bytes).buffer;
  const metadata = parquetMetadata(file);
  const count = Number(metadata.num_rows);
  // A group of columns is one value to a row, as its lists are.
  const [root, ...schema] = metadata.schema;
  const columns = new Map<string, unknown[]>();
  let at = 0;
  for (let k = 0; k < (root.num_children ?? 0); k++) {
    columns.set(schema[at].name, new Array<unknown>(count).fill(null));
    at = behind(schema, at);
  }
  await parquetRead({
    file,
    metadata,
    compressors,
    onChunk: ({ columnName, columnData, rowStart }) => {
      const into = columns.get(columnName) ?? columns.get(columnName.split(".")[0]);
      if (into === undefined) return;
      for (let i = 0; i < columnData.length; i++) into[rowStart + i] = columnData[i];
    },
  });
  return readColumns(
    path,
    [...columns].map(([name, values]) => ({ name, values: () => values })),
  );
}

/** The place behind an element and all that it holds, in the schema's flat list. */
function behind(schema: readonly { readonly num_children?: number }[], at: number): number {
  let next = at + 1;
  for (let k = 0; k < (schema[at].num_children ?? 0); k++) next = behind(schema, next);
  return next;
}
