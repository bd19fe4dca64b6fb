// Loads a package from a folder that is not this script's: the SDKs are installed elsewhere.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A package of the folder that the first argument names, by the entry that it has for imports. */
export async function load(name) {
  const folder = join(process.argv[2], name);
  const { exports, module, main } = JSON.parse(readFileSync(join(folder, 'package.json')));
  const entry = exports?.['.'] ?? exports;
  const found = [entry?.node?.import, entry?.import, entry?.default, module, main].map((path) => path?.default ?? path);
  return import(pathToFileURL(join(folder, found.find((path) => typeof path === 'string'))).href);
}
