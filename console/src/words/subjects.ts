/** The words of each subject, `zh` and `en`: a key begins with its folder. A new subject is a line here. */

export * as act from '../act/words.ts'
export * as alerts from '../alerts/words.ts'
export * as app from '../app/words.ts'
export * as catalog from '../catalog/words.ts'
export * as chart from '../chart/words.ts'
export * as desk from '../desk/words.ts'
export * as devices from '../devices/words.ts'
export * as feed from '../feed/words.ts'
export * as people from '../people/words.ts'
export * as remote from '../remote/words.ts'
export * as tickets from '../tickets/words.ts'
export * as ui from '../ui/words.ts'
