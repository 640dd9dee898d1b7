//! All paths through a graph. There can be very many, so they count against the budget.

use std::collections::BTreeSet;

use regorus::Value;

use super::{Builtin, budget};

pub(super) const ALL: [Builtin; 1] = [Builtin {
    name: "graph.reachable_paths",
    arity: 2,
    call: paths,
}];

/// A node of the current path, and its neighbours that were not visited yet.
struct OpenNode<'a> {
    node: &'a Value,
    left: std::vec::IntoIter<&'a Value>,
}

fn paths(arguments: &[Value]) -> Result<Value, String> {
    let [Value::Object(graph), initial] = arguments else {
        return Err("operand 1 must be an object".to_owned());
    };
    let starts: Vec<&Value> = match initial {
        Value::Array(items) => items.iter().collect(),
        Value::Set(members) => members.iter().collect(),
        _ => return Err("operand 2 must be an array or a set".to_owned()),
    };
    let mut found = BTreeSet::new();
    for start in starts {
        let Some(edges) = graph.get(start) else {
            continue;
        };
        let first = neighbours(edges);
        if first.is_empty() {
            add(&mut found, std::iter::once(start))?;
        }
        for neighbour in first {
            let mut way = vec![OpenNode {
                node: start,
                left: vec![neighbour].into_iter(),
            }];
            while let Some(step) = way.last_mut() {
                let Some(next) = step.left.next() else {
                    way.pop();
                    continue;
                };
                // Every step counts, not only every complete path.
                budget::elements(way.len())?;
                let is_met = way.len() > 1 && way.iter().any(|step| step.node == next);
                if is_met {
                    add(&mut found, way.iter().map(|step| step.node))?;
                    continue;
                }
                match graph.get(next).map(neighbours) {
                    Some(edges) if !edges.is_empty() => way.push(OpenNode {
                        node: next,
                        left: edges.into_iter(),
                    }),
                    Some(_) => {
                        let nodes = way.iter().map(|step| step.node);
                        add(&mut found, nodes.chain([next]))?;
                    }
                    // The node is not in the graph.
                    None => add(&mut found, way.iter().map(|step| step.node))?,
                }
            }
        }
    }
    Ok(Value::from(found))
}

fn neighbours(edges: &Value) -> Vec<&Value> {
    match edges {
        Value::Array(items) => items.iter().collect(),
        Value::Set(members) => members.iter().collect(),
        _ => Vec::new(),
    }
}

fn add<'a>(
    found: &mut BTreeSet<Value>,
    nodes: impl Iterator<Item = &'a Value>,
) -> Result<(), String> {
    let path: Vec<Value> = nodes.cloned().collect();
    budget::elements(path.len() + 1)?;
    found.insert(Value::from(path));
    Ok(())
}
