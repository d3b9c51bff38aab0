import { useRouter } from '@tanstack/react-router'
import { type ReactNode, useContext } from 'react'
import { useTranslation } from 'react-i18next'
import { Beside, Main } from '../ui/main.tsx'
import { useNamed } from '../ui/title.ts'
import '../ui/words.ts'

/** A page beside a list that shows nothing of it: something new. */
export function Aside({ title, list, children }: { title: string; list: string; children: ReactNode }) {
  const { t } = useTranslation()
  const router = useRouter()
  const beside = useContext(Beside)
  useNamed(title)
  if (beside)
    return (
      <section className="detail" aria-label={title}>
        {children}
      </section>
    )
  return (
    <Main title={title}>
      <div className="detail">
        <button type="button" className="back" onClick={() => void router.navigate({ href: list + location.search })}>
          ← {t('ui.back')}
        </button>
        {children}
      </div>
    </Main>
  )
}
