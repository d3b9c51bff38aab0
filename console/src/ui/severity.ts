import type { Severity } from '../api/client.ts'

/** The most severe first, as lists are ordered. */
export const SEVERITIES: readonly Severity[] = ['critical', 'major', 'minor', 'warning']

export const severityRank = (severity: Severity): number => SEVERITIES.indexOf(severity)
