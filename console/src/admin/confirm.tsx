import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { Sent } from '../ui/form.tsx'
import './admin.css'
import '../ui/words.ts'

/**
 * A button for what can't be taken back: before it is done, it says what will happen (`children`). `act`'s answer goes to
 * `onDone`.
 */
export function Confirm<Answer>(props: {
  button: string
  /** Of which thing, where several buttons are called the same. */
  of?: string
  title: string
  /** What the button in the question says: never just "OK". */
  yes: string
  act: () => Promise<Answer>
  onDone: (answer: Answer) => void
  children: ReactNode
}) {
  const { t } = useTranslation()
  const dialog = useRef<HTMLDialogElement>(null)
  const title = useId()
  const doing = useMutation({
    mutationFn: props.act,
    onSuccess: (answer) => {
      dialog.current?.close()
      props.onDone(answer)
    },
  })
  return (
    <>
      <button
        type="button"
        className="button"
        aria-label={props.of === undefined ? undefined : `${props.button}: ${props.of}`}
        onClick={() => {
          doing.reset()
          dialog.current?.showModal()
        }}
      >
        {props.button}
      </button>
      <dialog ref={dialog} aria-labelledby={title} className="ask">
        <h2 id={title}>{props.title}</h2>
        <div className="ask-text">{props.children}</div>
        <Sent error={doing.error} />
        <p className="ask-acts">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            {t('ui.cancel')}
          </button>
          <button type="button" className="button primary" disabled={doing.isPending} onClick={() => doing.mutate()}>
            {props.yes}
          </button>
        </p>
      </dialog>
    </>
  )
}
