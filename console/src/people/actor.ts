/** Who did something, as an event tells it. Pure. */

import type { Schemas } from '../api/client.ts'
import './words.ts'

interface Event {
  readonly actor: string
  readonly message: Pick<Schemas['Message'], 'params'>
}

/** Their name; or the key of its words: the system, or somebody of another dealer, whose names are not told. */
export function actorOf({ actor, message }: Event): { name: string } | 'people.system' | 'people.former' {
  if (actor !== '') return { name: actor }
  return message.params.who === '' ? 'people.former' : 'people.system'
}
