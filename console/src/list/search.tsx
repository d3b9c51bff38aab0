import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useKeys } from '../ui/keys.ts'
import '../ui/words.ts'

/** After so long without a key, the list is asked for, in ms. */
const TYPED_MS = 250

/** Where one types what a list is searched for. What is typed stands there at once; the list follows. */
export function Search({ value, onChange, hint }: { value: string; onChange: (words: string) => void; hint: string }) {
  const { t } = useTranslation()
  const [typed, setTyped] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const sent = useRef(value)
  const input = useRef<HTMLInputElement>(null)
  useKeys({ search: () => input.current?.focus() })
  useEffect(() => {
    // Changed by the address: somebody went back, or cleared the filters.
    if (value !== sent.current) setTyped(value)
    sent.current = value
  }, [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  const change = (words: string) => {
    setTyped(words)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      sent.current = words.trim()
      onChange(words.trim())
    }, TYPED_MS)
  }
  return (
    <input
      ref={input}
      type="search"
      className="search"
      value={typed}
      maxLength={100}
      onChange={(event) => change(event.target.value)}
      placeholder={hint}
      aria-label={`${t('ui.list.search')}: ${hint}`}
    />
  )
}
