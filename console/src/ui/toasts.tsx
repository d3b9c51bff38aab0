import { useSyncExternalStore } from 'react'

/** A word on what was just done. It goes by itself; nothing that must be known is told by it alone. */
interface Toast {
  readonly id: number
  readonly text: string
  readonly action: { readonly words: string; readonly run: () => void } | null
}

const LASTS_MS = 8_000
const listeners = new Set<() => void>()
let toasts: readonly Toast[] = []
let last = 0

function set(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}

export function say(text: string, action: Toast['action'] = null): void {
  last += 1
  const id = last
  set([...toasts.slice(-2), { id, text, action }])
  setTimeout(() => set(toasts.filter((toast) => toast.id !== id)), LASTS_MS)
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map(({ id, text, action }) => (
        <div key={id} className="toast">
          <span>{text}</span>
          {action === null ? null : (
            <button
              type="button"
              className="button quiet"
              onClick={() => {
                action.run()
                set(toasts.filter((toast) => toast.id !== id))
              }}
            >
              {action.words}
            </button>
          )}
        </div>
      ))}
    </div>
  )
}
