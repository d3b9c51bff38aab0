// Put into the measured page before anything of its own. Times are ms since 1970, of this machine's clock.
{
  const now = () => performance.timeOrigin + performance.now()
  // When a picture is on the screen: the frame after the one in which it was drawn has begun.
  const painted = () =>
    new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(now()))))
  // Gives up after LONG: a page that is so late isn't live.
  const LONG = 20_000
  const until = (there) =>
    new Promise((resolve) => {
      setTimeout(() => {
        watch.disconnect()
        resolve(now())
      }, LONG)
      const look = () => {
        if (!there()) return false
        watch.disconnect()
        resolve(painted())
        return true
      }
      const watch = new MutationObserver(look)
      if (!look()) watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
    })
  let longest = 0
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration)
  }).observe({ type: 'longtask' })
  window.bench = {
    now,
    until,
    /** When all of these words are on the page. */
    words: (all) => until(() => all.every((word) => document.body?.textContent.includes(word))),
    /** When these words are in an element that this matches. */
    word: (selector, text) =>
      until(() => [...document.querySelectorAll(selector)].some((each) => each.textContent.includes(text))),
    /** The longest task since this was asked last, ms; 0: none was over 50. */
    longest: () => {
      const found = longest
      longest = 0
      return found
    },
  }
}
