/** A log of JSON lines: `{"time", "level", "event", ...}`. */

/** How much is told, least first. */
export const logLevels = ["silent", "error", "info", "debug"] as const;

/** How much is told. `info` has a line for each reward request, `debug` for every one. */
export type LogLevel = (typeof logLevels)[number];

/** Takes events. */
export type Log = (level: Exclude<LogLevel, "silent">, event: string, fields: object) => void;

/** A log that writes events up to a level. */
export function jsonLog(most: LogLevel, write: (line: string) => void): Log {
  const rank = logLevels.indexOf(most);
  return (level, event, fields) => {
    if (logLevels.indexOf(level) > rank) return;
    write(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
  };
}
