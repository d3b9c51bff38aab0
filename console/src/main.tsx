import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import i18next from 'i18next'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import './ui/base.css'
import { Failure } from './api/client.ts'
import { App, Boundary } from './app/app.tsx'
import { beginWords } from './words/i18n.ts'

const RETRIES = 2

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      // The session ended: the page asks for another one.
      if (error instanceof Failure && error.status === 401) queries.setQueryData(['session'], null)
    },
  }),
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
