/** What lists show and the stream tells of. A new kind is its subject's `kind.ts` and a line here. */

import { ALERTS } from '../alerts/kind.ts'
import { DEVICES } from '../devices/kind.ts'
import type { AnyKind } from '../feed/kind.ts'
import { TICKETS } from '../tickets/kind.ts'

export const KINDS: readonly AnyKind[] = [ALERTS, TICKETS, DEVICES]
