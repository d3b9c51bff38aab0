/** Which signal to show first for a ticket. Pure. */

interface Measured {
  readonly metric: string
  readonly unit: string
}

/** A number that only ever grows shows nothing of a fault. */
const counts = (metric: string): boolean => /(^|[._])(total|since|uptime|exposures)(_|$)/.test(metric)

/** Fewer points than this draw no line. */
const LINE = 3

/**
 * The signal of the alerts that have one; else, of what was measured before the fault: the one that the fault's family is named for
 * (`detector.temperature`), one in the unit that it is named for (`generator.kv`, in kV), and, often enough for a line, one of its
 * subsystem, or the first. `measured`: one entry for each reading.
 */
export function firstSignal(family: string, told: readonly unknown[], measured: readonly Measured[]): string | null {
  const signal = told.find((each) => typeof each === 'string')
  if (signal !== undefined) return signal
  const times = new Map<string, number>()
  for (const { metric } of measured) times.set(metric, (times.get(metric) ?? 0) + 1)
  const useful = measured.filter(({ metric }) => !counts(metric))
  const lines = useful.filter(({ metric }) => (times.get(metric) ?? 0) >= LINE)
  const [subsystem, part] = family.split('.')
  const found =
    lines.find(({ metric }) => metric === family) ??
    lines.find(({ unit }) => unit.toLowerCase() === part) ??
    useful.find(({ metric, unit }) => metric === family || unit.toLowerCase() === part) ??
    lines.find(({ metric }) => metric.split('.')[0] === subsystem) ??
    lines[0] ??
    measured[0]
  return found?.metric ?? null
}
