import type { ReactNode } from 'react'
import { DeviceView } from '../devices/page.tsx'
import { TicketView } from '../tickets/page.tsx'
import type { PageName } from '../ui/route.ts'

/** Who draws what the address names. A new page is a name in `ui/route.ts` and a line here. */
export const DRAWN: Record<PageName, (named: { id: string; part: string | null }) => ReactNode> = {
  ticket: ({ id }) => <TicketView number={id} />,
  device: ({ id, part }) => <DeviceView id={id} metric={part} />,
}
