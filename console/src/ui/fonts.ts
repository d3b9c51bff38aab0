/**
 * A font with Latin and Chinese for systems that have none: last in every stack, and fetched piece by piece, so that a
 * system that has one fetches nothing of it. Even to know of it costs a slow line seconds: it comes when all else has.
 */
export function beginFonts(): void {
  const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 2_000))
  idle(() => void import('@fontsource-variable/noto-sans-sc'))
}
