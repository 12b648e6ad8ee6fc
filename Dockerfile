# A server of trained models on the CPU: docs/serve.md.
# The compiler stays in the first stage: the wheel carries the kernels of the catalogue, compiled.
FROM python:3.12-slim AS wheel
RUN apt-get update && apt-get install --no-install-recommends --yes g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY pyproject.toml setup.py README.md LICENSE ./
COPY bptt bptt
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
# The build of torch for processors alone, without the libraries of GPUs.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "torch>=2.8,<3"
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir "$(ls /wheels/bptt-*.whl)[serve,audio]"
RUN useradd --create-home --uid 10001 bptt
USER bptt
WORKDIR /home/bptt
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["bptt", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["/runs/model"]
