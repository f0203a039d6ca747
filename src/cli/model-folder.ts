/** Models that must be files on this machine. */

import { UsageError } from "../base/index.ts";
import { locateModel } from "../models/index.ts";

/**
 * The folder of `builtin`, of a folder's path, or of `hf:org/name` in the local cache.
 *
 * @param what the argument or flag, for errors
 * @throws UsageError as `locateModel`, or `model-invalid` for a server
 */
export async function modelFolder(what: string, spec: string): Promise<string> {
  const place = await locateModel(spec);
  if (place.kind === "folder") return place.dir;
  throw new UsageError("model-invalid", `${what}: must be a folder on this machine, got ${spec}`);
}
