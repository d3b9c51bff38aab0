import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import i18next from 'i18next'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Failure } from './api/client.ts'
import { App, Boundary } from './app/app.tsx'
import { formerPath } from './app/former.ts'
import { beginFonts } from './ui/fonts.ts'
import { beginTheme } from './ui/theme.ts'
import { beginWords } from './words/i18n.ts'
import './app/words.ts'

const RETRIES = 2

/** The session ended: the page asks for another one. */
const signedOut = (error: Error): void => {
  if (error instanceof Failure && error.status === 401) queries.setQueryData(['session'], null)
}

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: signedOut }),
  mutationCache: new MutationCache({ onError: signedOut }),
  defaultOptions: {
    queries: {
      // The stream says what changed; nothing is asked again only because somebody looked.
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      // Browsers are often wrong on whether there is a network.
      networkMode: 'always',
      retry: (count, error) =>
        count < RETRIES && !(error instanceof Failure && error.status >= 400 && error.status < 500),
    },
    mutations: { networkMode: 'always' },
  },
})

async function begin(): Promise<void> {
  const former = formerPath(location.hash)
  if (former !== null) history.replaceState(null, '', former)
  beginTheme()
  addEventListener('load', beginFonts, { once: true })
  await beginWords()
  const root = document.getElementById('root')
  if (root === null) throw new Error('no root in the page')
  const words = {
    title: i18next.t('app.broken.title'),
    text: i18next.t('app.broken.text'),
    reload: i18next.t('app.broken.reload'),
  }
  createRoot(root).render(
    <StrictMode>
      <Boundary words={words}>
        <QueryClientProvider client={queries}>
          <App />
        </QueryClientProvider>
      </Boundary>
    </StrictMode>,
  )
}

void begin()
