FROM python:3.11-slim
COPY . /src
RUN pip install --no-cache-dir -c /src/constraints.txt "/src[neo4j]"
ENTRYPOINT ["chainatlas"]
