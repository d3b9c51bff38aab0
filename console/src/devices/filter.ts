import * as z from 'zod/mini'
import { id, someOf, words } from '../ui/fields.ts'
import { HOWS } from './summary.ts'

/** What the address of the list of devices says. */
export const deviceSearch = z.object({ how: someOf(HOWS), site: id(), model: words(), q: words() })
export type DeviceSearch = z.infer<typeof deviceSearch>
