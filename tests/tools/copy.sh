#!/bin/sh
# Copies what git tracks or would track to a folder: a clean, physical copy of the collection.
set -eu
cd "$(dirname "$0")/../.."
rm -rf "$1"
mkdir -p "$1"
git ls-files --cached --others --exclude-standard | while IFS= read -r file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | xargs -0 cp --parents -t "$1"
