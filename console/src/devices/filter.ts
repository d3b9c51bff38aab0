import { id, searchOf, someOf, words } from '../ui/fields.ts'
import { HOWS } from './summary.ts'

/** What the address of the list of devices says. */
export const deviceSearch = searchOf({ how: someOf(HOWS), hospital: id(), site: id(), model: words(), q: words() })
export type DeviceSearch = ReturnType<typeof deviceSearch>
