# godtui without its console, as the user godtui; data in /var/lib/godtui.
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE registry.yaml ./
COPY schemas schemas
COPY godtui godtui
RUN python -m venv /opt/godtui && /opt/godtui/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.11-slim
ARG UID=1000
RUN useradd --create-home --uid "$UID" godtui \
    && install --directory --owner=godtui --mode=0700 /var/lib/godtui \
    && install --directory --owner=godtui /home/godtui/.config
COPY --from=build /opt/godtui /opt/godtui
ENV PATH=/opt/godtui/bin:$PATH GODTUI_DATA_DIR=/var/lib/godtui
USER godtui
WORKDIR /home/godtui
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 CMD ["python", "-c", "import os, urllib.request as web; web.build_opener(web.ProxyHandler({})).open(f\"http://127.0.0.1:{os.environ.get('GODTUI_PORT') or 8000}/health\", timeout=5)"]
ENTRYPOINT ["godtui"]
CMD ["--headless"]
