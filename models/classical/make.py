"""Classical models of scikit-learn, XGBoost and LightGBM as ONNX files, with inputs and what onnxruntime makes of them.

`python make.py FOLDER` makes all of them; `python make.py --small` the ones that are committed beside this script.
Each is a folder with `model.onnx` and `test_data_set_0/{input_K,output_K}.pb`; labels that are strings are stored as their places.
"""

import argparse
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

warnings.filterwarnings("ignore")


def data(classes=3, features=6, rows=400, seed=0, informative=4):
    from sklearn.datasets import make_classification

    x, y = make_classification(
        n_samples=rows, n_features=features, n_informative=informative, n_classes=classes, random_state=seed
    )
    return x.astype(np.float32), y


def numbers(features=6, rows=400, seed=0):
    from sklearn.datasets import make_regression

    x, y = make_regression(n_samples=rows, n_features=features, noise=3.0, random_state=seed)
    return x.astype(np.float32), (y / np.abs(y).max()).astype(np.float32)


def from_sklearn(model, x, zipmap=False, doubles=False, **options):
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = DoubleTensorType if doubles else FloatTensorType
    is_classifier = hasattr(model, "classes_")
    no_map = type(model).__name__ != "LinearSVC"
    options = {id(model): {**({"zipmap": zipmap} if no_map else {}), **options}} if is_classifier else None
    return to_onnx(model, initial_types=[("x", kind([None, x.shape[1]]))], options=options, target_opset={"": 17, "ai.onnx.ml": 3})


def sklearn_models():
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (
        AdaBoostClassifier, ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor,
        HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier, RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, MinMaxScaler, Normalizer, OneHotEncoder, StandardScaler
    from sklearn.svm import SVC, SVR, LinearSVC, OneClassSVM
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    x3, y3 = data()
    x2, y2 = data(classes=2, seed=1)
    names = np.array(["dog", "cat", "bird"])[y3]
    xr, yr = numbers()

    def classifier(name, model, x=x3, y=y3, **how):
        return name, lambda: (from_sklearn(model.fit(x, y), x, **how), x)

    def regressor(name, model, **how):
        return name, lambda: (from_sklearn(model.fit(xr, yr), xr, **how), xr)

    yield classifier("logistic", make_pipeline(StandardScaler(), LogisticRegression()))
    yield classifier("logistic_binary", LogisticRegression(), x2, y2)
    yield classifier("logistic_names", LogisticRegression(), x3, names)
    yield classifier("logistic_zipmap", LogisticRegression(), zipmap=True)
    yield classifier("forest", RandomForestClassifier(10, max_depth=5, random_state=0))
    yield classifier("forest_binary", RandomForestClassifier(10, max_depth=5, random_state=0), x2, y2)
    yield classifier("forest_names", RandomForestClassifier(10, max_depth=5, random_state=0), x3, names)
    yield classifier("forest_100", RandomForestClassifier(100, max_depth=8, random_state=0))
    yield classifier("forest_doubles", RandomForestClassifier(10, max_depth=5, random_state=0), doubles=True)
    yield classifier("forest_deep", RandomForestClassifier(20, random_state=0))
    yield classifier("extra_trees", ExtraTreesClassifier(10, random_state=0))
    yield classifier("tree", DecisionTreeClassifier(max_depth=4, random_state=0))
    yield classifier("boosting", GradientBoostingClassifier(n_estimators=20, random_state=0))
    yield classifier("boosting_binary", GradientBoostingClassifier(n_estimators=20, random_state=0), x2, y2)
    yield classifier("hist_boosting", HistGradientBoostingClassifier(max_iter=20))
    yield classifier("hist_boosting_binary", HistGradientBoostingClassifier(max_iter=20), x2, y2)
    yield classifier("ada_boost", AdaBoostClassifier(n_estimators=10, random_state=0))
    yield classifier("svc_rbf", make_pipeline(StandardScaler(), SVC()))
    yield classifier("svc_linear", SVC(kernel="linear"))
    yield classifier("svc_poly", SVC(kernel="poly", degree=3))
    yield classifier("svc_sigmoid", SVC(kernel="sigmoid"))
    yield classifier("svc_binary", SVC(), x2, y2)
    yield classifier("svc_probability", SVC(probability=True, random_state=0))
    yield classifier("linear_svc", LinearSVC())
    yield classifier("sgd", SGDClassifier(random_state=0))
    yield classifier("bayes", GaussianNB())
    yield classifier("neighbours", KNeighborsClassifier(3))
    yield classifier("mlp", make_pipeline(MinMaxScaler(), MLPClassifier((16,), max_iter=200, random_state=0)))
    yield classifier("mlp_names", MLPClassifier((16,), max_iter=200, random_state=0), x3, names)
    yield classifier("imputer", make_pipeline(SimpleImputer(), Normalizer(), LogisticRegression()))
    yield classifier("binarizer", make_pipeline(Binarizer(threshold=0.3), LogisticRegression()))
    codes = np.concatenate([x3, np.random.default_rng(0).integers(0, 4, (len(x3), 2))], axis=1).astype(np.float32)
    encode = ColumnTransformer(
        [("scale", StandardScaler(), list(range(6))), ("encode", OneHotEncoder(handle_unknown="ignore"), [6, 7])]
    )
    yield classifier("columns", make_pipeline(encode, LogisticRegression(max_iter=500)), codes)
    yield regressor("linear", LinearRegression())
    yield regressor("ridge", make_pipeline(StandardScaler(), Ridge()))
    yield regressor("forest_regressor", RandomForestRegressor(10, max_depth=6, random_state=0))
    yield regressor("tree_regressor", DecisionTreeRegressor(max_depth=6, random_state=0))
    yield regressor("boosting_regressor", GradientBoostingRegressor(n_estimators=20, random_state=0))
    yield regressor("svr", SVR())
    yield regressor("one_class", OneClassSVM(gamma="scale"))
    yield regressor("mlp_regressor", MLPRegressor(hidden_layer_sizes=(16,), max_iter=200, random_state=0))
    isolation = IsolationForest(n_estimators=20, random_state=0)

    def isolated():
        from skl2onnx import to_onnx

        model = to_onnx(isolation.fit(x3), x3[:1], target_opset={"": 17, "ai.onnx.ml": 3})
        return model, x3

    yield "isolation_forest", isolated


def boosted_models():
    import lightgbm
    import xgboost
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    x3, y3 = data()
    x2, y2 = data(classes=2, seed=1)
    xr, yr = numbers()
    holes = x3.copy()
    holes[np.random.default_rng(0).random(holes.shape) < 0.1] = np.nan

    def xgb(name, model, x, y):
        types = [("x", FloatTensorType([None, x.shape[1]]))]
        return name, lambda: (convert_xgboost(model.fit(x, y), initial_types=types, target_opset=15), x)

    def lgb(name, model, x, y):
        types = [("x", FloatTensorType([None, x.shape[1]]))]
        return name, lambda: (convert_lightgbm(model.fit(x, y), initial_types=types, target_opset=15, zipmap=False), x)

    yield xgb("xgboost", xgboost.XGBClassifier(n_estimators=15, max_depth=4), x3, y3)
    yield xgb("xgboost_binary", xgboost.XGBClassifier(n_estimators=15, max_depth=4), x2, y2)
    yield xgb("xgboost_missing", xgboost.XGBClassifier(n_estimators=15, max_depth=4), holes, y3)
    yield xgb("xgboost_regressor", xgboost.XGBRegressor(n_estimators=15, max_depth=4), xr, yr)
    quiet = {"n_estimators": 15, "num_leaves": 12, "verbose": -1}
    yield lgb("lightgbm", lightgbm.LGBMClassifier(**quiet), x3, y3)
    yield lgb("lightgbm_binary", lightgbm.LGBMClassifier(**quiet), x2, y2)
    yield lgb("lightgbm_missing", lightgbm.LGBMClassifier(**quiet), holes, y3)
    yield lgb("lightgbm_regressor", lightgbm.LGBMRegressor(**quiet), xr, yr)


SMALL = {"logistic_names", "logistic_zipmap", "svc_rbf", "columns", "xgboost_missing", "lightgbm_binary", "tree", "boosting_binary"}
ROWS = 8


def labels(model):
    """The lists of strings that a classifier's labels are in, joined."""
    found = []
    for node in model.graph.node:
        for a in node.attribute:
            if a.name == "classlabels_strings" and a.strings:
                found.append([s.decode() for s in a.strings])
    for t in model.graph.initializer:
        if t.data_type == onnx.TensorProto.STRING:
            found.append([s.decode() for s in t.string_data])
    return found[0] if found else []


def store(folder, model, x):
    """Writes a model of a fixed number of rows, inputs, and onnxruntime's outputs."""
    x = x[:ROWS]
    names = labels(model)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = len(x)
    # LightGBM's files say that there is one row, whatever the input has.
    for port in model.graph.output:
        if port.type.HasField("tensor_type") and port.type.tensor_type.shape.dim:
            port.type.tensor_type.shape.dim[0].dim_param = "rows"
    if model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE:
        x = x.astype(np.float64)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results = session.run(None, {model.graph.input[0].name: x})
    case = folder / "test_data_set_0"
    case.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    (case / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
    for i, (result, port) in enumerate(zip(results, model.graph.output)):
        if isinstance(result, list):
            result = np.array([list(row.values()) for row in result], np.float32)
        if result.dtype == object or result.dtype.kind == "U":
            result = np.array([names.index(str(v)) for v in result.ravel()], np.int64).reshape(result.shape)
        (case / f"output_{i}.pb").write_bytes(numpy_helper.from_array(result, port.name).SerializeToString())


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", nargs="?", default=".")
    arguments.add_argument("--small", action="store_true", help="the committed ones, beside this script")
    given = arguments.parse_args()
    folder = pathlib.Path(__file__).parent if given.small else pathlib.Path(given.folder)
    for name, make in [*sklearn_models(), *boosted_models()]:
        if given.small and name not in SMALL:
            continue
        try:
            model, x = make()
        except Exception as why:  # What a converter cannot write is no model.
            print(f"{name}: not made: {type(why).__name__}: {str(why).splitlines()[0][:100]}")
            continue
        store(folder / name, model, x)
        print(name, sorted({f"{n.domain or 'ai.onnx'}:{n.op_type}" for n in model.graph.node}))


if __name__ == "__main__":
    main()
