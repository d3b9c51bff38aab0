import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { handedSession } from '../first/handed.ts'
import { api, Failure, taken, type WhoAmI } from './client.ts'

export const SESSION = ['session'] as const

/** Who is signed in: undefined while that is asked, null: nobody. */
export function useSession() {
  return useQuery({
    queryKey: SESSION,
    queryFn: async ({ signal }): Promise<WhoAmI | null> => {
      try {
        const handed = await handedSession()?.catch(() => undefined)
        if (handed !== undefined) return handed
        return await taken(api.GET('/api/v1/session', { signal }))
      } catch (error) {
        if (error instanceof Failure && error.status === 401) return null
        throw error
      }
    },
    // Before anything can be shown: asked until it is answered.
    retry: true,
    retryDelay: 2_000,
  })
}

export function useSignedOut(): () => void {
  const queries = useQueryClient()
  return () => queries.setQueryData(SESSION, null)
}

export function useSignOut() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => taken(api.DELETE('/api/v1/session')),
    onSettled: () => {
      queries.clear()
      // Nothing of theirs stays in this browser's memory, nor what they began to write.
      sessionStorage.clear()
      location.replace('/')
    },
  })
}
