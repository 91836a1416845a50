import type { Metadata } from 'next';
import localFont from 'next/font/local';
import type { ReactNode } from 'react';
import { SiteFrame } from '../components/site-frame.tsx';
import { themeScript } from '../lib/theme-script.ts';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/board.css';
import '../styles/pages.css';

const inter = localFont({
  src: '../../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  weight: '100 900',
  variable: '--font-inter',
  display: 'optional',
});

export const metadata: Metadata = {
  title: {
    default: 'ShrinkRank: what does training buy when shrinking a language model?',
    template: '%s · ShrinkRank',
  },
  description:
    'Compression methods for language models, low-cost beside high-cost: quality, size, speed and what the compression itself cost, measured on the same files, with intervals.',
};

export default function RootLayout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en" className={inter.variable} suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: themeScript }} />
      </head>
      <body>
        <SiteFrame>{children}</SiteFrame>
      </body>
    </html>
  );
}
