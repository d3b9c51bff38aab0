import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

/** What a slow line carries, said after every build. */
function weigh(): Plugin {
  return {
    name: 'weigh',
    apply: 'build',
    generateBundle(_options, bundle) {
      const kib = (name: string) => {
        const part = bundle[name]
        if (!part) return 0
        return gzipSync(part.type === 'chunk' ? part.code : part.source).length / 1024
      }
      const total = Object.keys(bundle).reduce((sum, name) => sum + kib(name), 0)
      this.info(`${total.toFixed(1)} KiB gzip in all`)
    },
  }
}

export default defineConfig({
  plugins: [react(), weigh()],
  base: '/',
  build: {
    // Nothing inline: the page's policy allows no data: scripts and no inline styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    cssTarget: ['chrome100', 'safari15', 'firefox100'],
    sourcemap: false,
  },
  test: {
    // Two cores may be busy with other things.
    testTimeout: 60_000,
    // What is pure needs no browser; what is drawn gets jsdom.
    projects: [
      { extends: true, test: { name: 'pure', include: ['src/**/*.test.ts'], isolate: false } },
      {
        extends: true,
        test: {
          name: 'drawn',
          include: ['src/**/*.test.tsx'],
          environment: 'jsdom',
          setupFiles: ['src/testing/setup.ts'],
        },
      },
    ],
  },
  server: { proxy: { '/api': process.env.STETH_API ?? 'http://127.0.0.1:8420' } },
})
